import { useVaultStore } from '../stores/vault'
import { rememberTarget } from '../composables/useVault'

/** Without an open profile there is only one page; where the person wanted to go is kept for after the unlock. */
export default defineNuxtRouteMiddleware(to => {
  const open = useVaultStore().current !== null
  if (open || to.path === '/profiles') return
  if (to.path !== '/') rememberTarget(to.fullPath)
  return navigateTo('/profiles', { replace: true })
})
