/** What stands on every page and on the first screen, which lists the profiles. */
export const enShell = {
  /** the name of the app is no word of a language */
  brand: 'Tandem',
  skip: 'Skip to the page',
  nav: 'Main',
  wallets: 'Wallets',
  settings: 'Settings',
  connections: 'Connections',
  lock: 'Lock',
  insecure:
    'Tandem keeps keys in this browser and so opens only at a secure address: use https, or http://localhost on this device.',

  newProfile: 'New profile',
  restore: 'Restore',
  welcome: 'A Bitcoin wallet you share',
  welcomeText:
    'Coins that move only when every member agrees. You sign together, from browser to browser; no company in between.',
  welcomeSmall: 'For test networks. The code has not been audited yet.',
  who: 'Who is this?',
  profiles: 'Profiles',
  password: 'Password',
  unlock: 'Unlock',
  elsewhere: 'Open in another tab',
  elsewhereText: '{name} is open in another tab of this browser. Taking it over locks it there; nothing is lost.',
  takeOver: 'Take over here',
  invited: 'You are invited to a wallet',
  invitedText: 'Open or make a profile first. The invite is kept and comes next.',
  takenOver: 'Taken over by another tab',
  takenOverText: 'This profile was opened in another tab, so it is locked here. Your coins are safe.',
  moved:
    'The app runs at another address this time, because its usual port was taken. Profiles made before live at {address}.',
}
