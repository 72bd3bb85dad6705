import { Migration } from '@mikro-orm/migrations';

export class Migration20261126005205_token_uses extends Migration {

  override name = 'Migration20261126005205_token_uses';

  override up(): void | Promise<void> {
    this.addSql(`create table "token_uses" ("jti" uuid not null, "used_at" timestamptz not null, primary key ("jti"));`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "token_uses" cascade;`);
  }

}
