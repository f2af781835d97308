"""Admission: which statement may enter the log, decided from the entries before it and nothing else.

Rules ``tallystick-admission`` versions 1 to 4 (*identity first, then admission*); the version
in force is that of the latest ``log.policy`` entry. 2 differs from 1 by the types it knows, 3 from 2
by types, fields, and the rules for licences, 4 from 3 by types and fields. The
ledger decides inside its sequencing transaction; replay decides the whole log
again; the verifier decides the entries of a bundle again. All three call ``decide``.
"""

from tallystick.admission.decide import Admission, decide
from tallystick.admission.refusal import Refused
from tallystick.admission.state import BATCH, LOG, MemoryState, State, StateReader, decode_state, encode_state

__all__ = [
    "BATCH",
    "LOG",
    "Admission",
    "MemoryState",
    "Refused",
    "State",
    "StateReader",
    "decide",
    "decode_state",
    "encode_state",
]
