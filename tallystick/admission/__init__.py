"""Admission: which statement may enter the log, decided from the entries before it and nothing else.

Rules ``tallystick-admission`` version 1 (*identity first, then admission*). The
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
