/** Words that hide what a text is about, or are not American English, with what to write instead. */
const avoided: readonly (readonly [RegExp, string])[] = [
  [/\banswer(?:s|ed|ing|able)?\b/i, 'response, respond'],
  [/\bseldom\b/i, 'throttle'],
  [/\bpatien(?:ce|t)\b/i, 'timeout'],
  [/\blanes?\b/i, 'slot, batch'],
  [/\bcoalesc(?!e\()\w*/i, 'batch'],
  [/\bdribbl\w*/i, 'slow client'],
  [/\bgo(?:ne|es)? without\b/i, 'continue without'],
  [/\b(?:is|are|was|were|be|while it is) away\b/i, 'down, unavailable'],
  [/\b(?:is|are|was|were) silent\b/i, 'unresponsive, idle'],
  [/\bnot there\b/i, 'missing'],
  [/\b(?:some|no|any)body\b(?!@)/i, 'the caller, the client, the operator, a manager'],
  [/\bwhoever\b/i, 'the caller, the client, the operator'],
  [/\bwho asks\b/i, 'the caller'],
  [/\bstrangers?\b/i, 'an unauthenticated client'],
  [/\b(?:is|are|was|were) told\b/i, 'gets, is reported'],
  [/\b(?:of )?ours\b/i, 'the name of the subject'],
  [/\bat once\b/i, 'immediately, at the same time'],
  [/\bat work\b/i, 'active'],
  [/\bbeside\b/i, 'next to, in addition to, during'],
  [/\banew\b/i, 'again'],
  [/\bg(?:o|oes|oing|one)(?<!gone) on\b|\bwent on\b/i, 'continue'],
  [/\btak(?:e|es|en|ing)(?: \w+){0,3} back\b/i, 'revert'],
  [/\bthe other way round\b/i, 'descending, reversed'],
  [/\bma(?:ke|kes|de) way\b|\bmake room\b/i, 'is evicted'],
  [/\bthose beyond\b/i, 'excess requests'],
  [/\blift(?:s|ed)? (?:the|a|one) limit\b/i, '0 disables it'],
  [/\bof late\b/i, 'recent'],
  [/\bfound out\b/i, 'detected'],
  [/\bdo(?:es)? not fit\b/i, 'invalid'],
  [/\bwith commas between\b/i, 'separated by commas'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix, correct'],
  [/\bin step\b/i, 'in sync'],
  [/\bway in\b/i, 'access'],
  [/\bsecurity holes?\b/i, 'vulnerability'],
  [/\bcatalogue/i, 'catalog'],
  [/\bcolour/i, 'color'],
  [/\bbehaviour/i, 'behavior'],
  [/\be-mail/i, 'email'],
  [/\b(?:serial|initial|normal|recogn|author|organ)is(?:e|es|ed|ing|ation)\b/i, '-ize'],
  [/\bcancell(?:ed|ing)\b/i, 'canceled'],
  [/[«»]/, 'straight quotes'],
]

/** @returns a line for each word of `text` to avoid: its line number, the word, and what to write instead */
export function wordsToAvoid(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    avoided.flatMap(([pattern, instead]) => {
      const word = pattern.exec(line)?.[0]
      return word === undefined ? [] : [`${index + 1}: "${word}": write ${instead}`]
    }),
  )
}
