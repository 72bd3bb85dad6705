import { Migration } from '@mikro-orm/migrations';

export class Migration20261122215422_item_versions extends Migration {

  override name = 'Migration20261122215422_item_versions';

  override up(): void | Promise<void> {
    this.addSql(`alter table "items" add "version" bigint not null default 1;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "items" drop column "version";`);
  }

}
