import { Migration } from '@mikro-orm/migrations';

export class Migration20261122162303_revoked_tokens extends Migration {

  override name = 'Migration20261122162303_revoked_tokens';

  override up(): void | Promise<void> {
    this.addSql(`create table "revoked_tokens" ("jti" uuid not null, "store_manager_id" uuid not null, "expires_at" timestamptz not null, "revoked_at" timestamptz not null, primary key ("jti"));`);

    this.addSql(`alter table "revoked_tokens" add constraint "revoked_tokens_store_manager_id_foreign" foreign key ("store_manager_id") references "store_managers" ("id") on delete cascade;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "revoked_tokens" cascade;`);
  }

}
