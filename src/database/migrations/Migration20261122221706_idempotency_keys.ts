import { Migration } from '@mikro-orm/migrations';

export class Migration20261122221706_idempotency_keys extends Migration {

  override name = 'Migration20261122221706_idempotency_keys';

  override up(): void | Promise<void> {
    this.addSql(`create table "idempotency_keys" ("key_hash" text not null, "fingerprint" text not null, "answer" text not null, "created_at" timestamptz not null, primary key ("key_hash"));`);
    this.addSql(`create index "idempotency_keys_created_at_index" on "idempotency_keys" ("created_at");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "idempotency_keys" cascade;`);
  }

}
