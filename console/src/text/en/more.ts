import { account } from './account.ts'
import { changes } from './changes.ts'
import { help } from './help.ts'
import { imports } from './import.ts'
import { itemDialogs } from './item-dialogs.ts'
import { overview } from './overview.ts'
import { signIn } from './sign-in.ts'

/** What other screens need. */
export const more = { signIn, help, itemDialogs, overview, changes, imports, account }
