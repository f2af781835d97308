"""The embedded chain: py-evm on SQLite, owned by one process, served through a web3 provider."""
