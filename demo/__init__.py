"""``make demo``: the whole main job on a real asset, with the real service, verified offline at the end."""
