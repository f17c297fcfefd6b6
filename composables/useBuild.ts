import { useRuntimeConfig } from '#imports'

/** Which build this is: the package's version and the commit that it was generated from. */
export function useBuild(): { version: string; commit: string } {
  const { version, commit } = useRuntimeConfig().public
  return { version: String(version), commit: String(commit) }
}
