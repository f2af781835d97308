"""Two small procedural programs that stand in for generative models.

They are honest stand-ins: each is one file, and that file is what its capability
filing describes as the weights. What they make is real: a picture, a mesh, a material.
"""
