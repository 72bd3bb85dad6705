import { Migration } from '@mikro-orm/migrations';

export class Migration20261126073132_change_history extends Migration {

  override name = 'Migration20261126073132_change_history';

  override up(): void | Promise<void> {
    this.addSql(`create table "change_sets" ("id" uuid not null, "kind" text not null, "source" text not null, "store_manager_id" uuid null, "store_manager_name" text null, "request_id" text null, "created" int not null, "updated" int not null, "deleted" int not null, "xid" xid8 not null default pg_current_xact_id(), primary key ("id"));`);

    this.addSql(`create table "item_changes" ("item_id" uuid not null, "change_set_id" uuid not null, "kind" text not null, "version" bigint not null, "name" text not null, "name_from" text null, "category_from" text null, "category_to" text null, "price_usd_from" numeric null, "price_usd_to" numeric null, "in_stock_from" boolean null, "in_stock_to" boolean null, "owner_from" uuid null, "owner_to" uuid null, primary key ("item_id", "change_set_id"));`);
    this.addSql(`create index "item_changes_change_set_id_index" on "item_changes" ("change_set_id", "item_id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "change_sets" cascade;`);
    this.addSql(`drop table if exists "item_changes" cascade;`);
  }

}
