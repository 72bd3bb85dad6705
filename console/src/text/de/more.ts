import type { More } from '../more.ts'
import { account } from './account.ts'
import { changes } from './changes.ts'
import { help } from './help.ts'
import { imports } from './import.ts'
import { itemDialogs } from './item-dialogs.ts'
import { overview } from './overview.ts'
import { signIn } from './sign-in.ts'

export const more: More = { signIn, help, itemDialogs, overview, changes, imports, account }
