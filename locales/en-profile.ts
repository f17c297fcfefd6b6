/** Making a profile, and its words: fetched when somebody makes, restores or backs up one. */
export const enProfile = {
  title: 'A profile is you, in this browser',
  lead: 'Next you get 12 words: the key to your part of every wallet.',
  name: 'Your name',
  nameHelp: 'The other members see it.',
  password: 'Password',
  passwordHelp: 'At least 8 characters. It protects your words on this device only.',
  repeat: 'Repeat password',
  create: 'New profile',
  words: 'Write down these 12 words',
  wordsLead:
    'On paper, in this order. With them and your wallet files you get everything back; whoever else has them can sign as you.',
  written: 'I have written them down',
  later: 'Do this later',
  laterMeans: 'Test coins only: the words can wait. A reminder stays.',
  check: 'Check your note',
  checkLead: 'Type three of the words from your paper.',
  word: 'Word {n}',
  checkWords: 'Check words',
  recoveryWords: 'Recovery words',
}
