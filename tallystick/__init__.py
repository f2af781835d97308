"""tallystick: the formats, proofs and verification that both halves of the tally share.

Pure by contract: nothing in this package reads a clock, opens a socket or a
database, or imports server code (see docs/adr/0001). ``tallystick.client`` is
the one exception, and nothing else here may import it.
"""

__version__ = "0.1.0"
