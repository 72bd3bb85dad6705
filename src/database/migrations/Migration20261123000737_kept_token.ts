import { Migration } from '@mikro-orm/migrations';

export class Migration20261123000737_kept_token extends Migration {

  override name = 'Migration20261123000737_kept_token';

  override up(): void | Promise<void> {
    this.addSql(`alter table "store_managers" add "kept_token" uuid null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "store_managers" drop column "kept_token";`);
  }

}
