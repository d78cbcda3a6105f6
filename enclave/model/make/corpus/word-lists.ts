/** Countries and their capitals. */
export const CAPITALS: Readonly<Record<string, string>> = {
  France: 'Paris',
  Germany: 'Berlin',
  Italy: 'Rome',
  Spain: 'Madrid',
  Portugal: 'Lisbon',
  Austria: 'Vienna',
  Switzerland: 'Bern',
  Poland: 'Warsaw',
  Greece: 'Athens',
  Norway: 'Oslo',
  Sweden: 'Stockholm',
  Finland: 'Helsinki',
  Denmark: 'Copenhagen',
  Ireland: 'Dublin',
  Belgium: 'Brussels',
  Hungary: 'Budapest',
  Turkey: 'Ankara',
  Egypt: 'Cairo',
  Kenya: 'Nairobi',
  Japan: 'Tokyo',
  China: 'Beijing',
  India: 'New Delhi',
  Thailand: 'Bangkok',
  Vietnam: 'Hanoi',
  Canada: 'Ottawa',
  Mexico: 'Mexico City',
  Brazil: 'Brasilia',
  Argentina: 'Buenos Aires',
  Chile: 'Santiago',
  Peru: 'Lima',
  Cuba: 'Havana',
  Australia: 'Canberra',
  'New Zealand': 'Wellington',
  Iceland: 'Reykjavik',
  'South Korea': 'Seoul',
  Ukraine: 'Kyiv',
  Romania: 'Bucharest',
  Bulgaria: 'Sofia',
  Croatia: 'Zagreb',
  Netherlands: 'Amsterdam',
}

/** Words and their opposites. */
export const OPPOSITES: Readonly<Record<string, string>> = {
  hot: 'cold',
  big: 'small',
  fast: 'slow',
  open: 'closed',
  light: 'dark',
  early: 'late',
  high: 'low',
  full: 'empty',
  new: 'old',
  strong: 'weak',
  public: 'private',
  true: 'false',
  left: 'right',
  up: 'down',
  yes: 'no',
  day: 'night',
  hard: 'soft',
  rich: 'poor',
  first: 'last',
  start: 'end',
  encrypt: 'decrypt',
  safe: 'dangerous',
  happy: 'sad',
  long: 'short',
}

/** Common words. */
export const WORDS: readonly string[] = list(`
  apple river stone cloud green table window quiet summer silver number yellow garden orange
  planet bridge forest letter market pencil rocket shadow travel winter button castle dragon
  engine flower guitar hammer island jacket kitten ladder magnet needle ocean paper queen
  rabbit salmon tiger violin walnut zebra bread chair dance eagle flame grape horse juice
  knife lemon mouse night olive piano quick robot snake train uncle voice water youth enclave
  quote nonce token model server client secret signature hash key proof trust gateway provider
  receipt wallet
`)

/** First names. */
export const FIRST_NAMES: readonly string[] = list(`
  Alice Bob Carol David Emma Frank Grace Henry Iris Jack Karen Leo Maria Nora Oscar Paula
  Quinn Rosa Sam Tina Victor Wendy Yara Zoe
`)

/** Days of the week. */
export const DAYS: readonly string[] = list(`
  Monday Tuesday Wednesday Thursday Friday Saturday Sunday
`)

/** Months of the year. */
export const MONTHS: readonly string[] = list(`
  January February March April May June July August September October November December
`)

/** Syllables of invented words. */
export const SYLLABLES: readonly string[] = list(`
  ba be bi bo bu da de di do du fa fe fi fo ga ge go gu ka ke ki ko la le li lo lu ma me mi mo
  mu na ne ni no nu pa pe pi po ra re ri ro ru sa se si so su ta te ti to tu va ve vi vo za ze
  zi zo
`)

function list(words: string): string[] {
  return words.trim().split(/\s+/)
}
