"""Who signs what an anchor costs: a key in a keystore, or another program or device that never lets go of it.

transaction.py   the one kind of transaction that is made, and how a signed one is checked
base.py          what a signer is; how one becomes of anything that signs 32 bytes (KMS, HSM)
remote.py        web3signer, by JSON-RPC or by its REST interface
"""
