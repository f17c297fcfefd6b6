import { expect } from '@playwright/test'
import type { ScriptedMember } from '../../support/scripted-member'
import type { Member } from './member'

/** One browser, and members who are programs: everybody has the wallet. Ends at the list of wallets. */
export async function makeScriptedWallet(name: string, anna: Member, others: readonly ScriptedMember[]) {
  const link = await anna.createWallet(name, others.length + 1)
  for (const member of others) {
    await member.join(link)
    await anna.admit(member.name)
  }
  await anna.closeRoster()
  await anna.confirmSafety()
  await anna.saveWalletFileLater()
  for (const member of others) await member.confirm(name)
  await expect(anna.group('Available balance')).toBeVisible()
  await anna.link('Wallets').first().click()
}
