type Points = ReadonlyArray<readonly [number, number]>

/** The straight line through points, by least squares. */
export function line(points: Points): { readonly slope: number; readonly start: number } {
  const mean = (at: 0 | 1): number => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const slope =
    points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
  return { slope, start: y - slope * x }
}

/** The power of the first coordinate that the second follows: 1 is in proportion, less when a part of it is fixed. */
export const power = (points: Points): number =>
  line(points.map(([x, y]) => [Math.log(x), Math.log(Math.max(y, 1e-6))])).slope
