import { Migration } from '@mikro-orm/migrations';

export class Migration20261126040751_password_resets extends Migration {

  override name = 'Migration20261126040751_password_resets';

  override up(): void | Promise<void> {
    this.addSql(`create table "password_resets" ("store_manager_id" uuid not null, "code_hash" text not null, "expires_at" timestamptz not null, primary key ("store_manager_id"));`);
    this.addSql(`alter table "password_resets" add constraint "password_resets_code_hash_key" unique ("code_hash");`);

    this.addSql(`alter table "password_resets" add constraint "password_resets_store_manager_id_foreign" foreign key ("store_manager_id") references "store_managers" ("id") on update cascade on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "password_resets" cascade;`);
  }

}
