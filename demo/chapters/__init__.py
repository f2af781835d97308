"""The main job, one chapter a module, in the order of the story."""
