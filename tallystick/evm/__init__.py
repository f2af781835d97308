"""What an offline verifier must know of Ethereum: Keccak, RLP, tries, headers, signatures and the anchor proof."""
