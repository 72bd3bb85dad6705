import { Migration } from '@mikro-orm/migrations';

export class Migration20261126001525_owner_of_idempotency_keys extends Migration {

  override name = 'Migration20261126001525_owner_of_idempotency_keys';

  override up(): void | Promise<void> {
    this.addSql(`alter table "idempotency_keys" add "store_manager_id" uuid null;`);
    this.addSql(`alter table "idempotency_keys" add constraint "idempotency_keys_store_manager_id_foreign" foreign key ("store_manager_id") references "store_managers" ("id") on delete cascade deferrable initially deferred;`);
    this.addSql(`create index "idempotency_keys_store_manager_id_index" on "idempotency_keys" ("store_manager_id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "idempotency_keys" drop constraint "idempotency_keys_store_manager_id_foreign";`);

    this.addSql(`drop index "idempotency_keys_store_manager_id_index";`);
    this.addSql(`alter table "idempotency_keys" drop column "store_manager_id";`);
  }

}
