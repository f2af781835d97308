"""Timestamps of RFC 3161: a client to any authority, and a small authority of our own for closed networks.

Nothing here loads web3. What a token proves is decided by ``tallystick.timestamp``.
"""
