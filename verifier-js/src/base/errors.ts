/** A part does not have its form (Values 1): nothing is verified with it. */
export class Malformed extends Error {}

/** A part says that a newer program wrote it: not proved, never malformed. */
export class LaterVersion extends Error {}

/** Something that is shown is false. */
export class Failed extends Error {}

/** Something that is needed is missing, unknown, or later than the time of examination. */
export class NotShown extends Error {}
