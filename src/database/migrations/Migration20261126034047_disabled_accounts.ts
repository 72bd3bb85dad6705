import { Migration } from '@mikro-orm/migrations';

export class Migration20261126034047_disabled_accounts extends Migration {

  override name = 'Migration20261126034047_disabled_accounts';

  override up(): void | Promise<void> {
    this.addSql(`alter table "store_managers" add "tokens_ended_at" timestamptz null, add "disabled_at" timestamptz null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "store_managers" drop column "tokens_ended_at", drop column "disabled_at";`);
  }

}
