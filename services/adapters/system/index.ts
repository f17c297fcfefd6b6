/** The browser itself as a port: time, chance, and a log in memory. */
export { createBrowserClock } from './clock'
export { createBrowserEntropy } from './entropy'
export { createBrowserLog } from './log'
export { writeToConsole } from './console-log'
