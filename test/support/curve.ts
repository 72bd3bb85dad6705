/** How often one of `these` is greater than one of `those`: a half if they cannot be told apart. */
export function areaUnderCurve(these: number[], those: number[]): number {
  const greater = these.flatMap((one) => those.map((other) => Number(one > other) + Number(one === other) / 2))
  return greater.reduce((sum, each) => sum + each, 0) / greater.length
}
