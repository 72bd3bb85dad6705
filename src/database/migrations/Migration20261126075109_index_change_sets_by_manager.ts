import { Migration } from '@mikro-orm/migrations';

export class Migration20261126075109_index_change_sets_by_manager extends Migration {

  override name = 'Migration20261126075109_index_change_sets_by_manager';

  override up(): void | Promise<void> {
    this.addSql(`create index "change_sets_store_manager_id_index" on "change_sets" ("store_manager_id", "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "change_sets_store_manager_id_index";`);
  }

}
