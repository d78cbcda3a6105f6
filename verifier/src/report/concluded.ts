/** Marks verdicts that `concludeReport` made. Not exported by the package, so nobody else can write one. */
export const concluded: unique symbol = Symbol('concluded')
