import { Migration } from '@mikro-orm/migrations';

import { copyRows, restoreTables, setTablesAside } from '../adoption.ts';

export class Migration20261122162302_managers_and_items extends Migration {

  override name = 'Migration20261122162302_managers_and_items';

  override up(): void | Promise<void> {
    this.addSql(setTablesAside);

    this.addSql(`create table "store_managers" ("id" uuid not null, "name" text not null, "email" text not null, "password_hash" text not null, primary key ("id"));`);
    this.addSql(`create unique index store_managers_email_key on store_managers (lower(email));`);

    this.addSql(`create table "items" ("id" uuid not null, "name" text not null, "category" text not null, "price_usd" numeric not null, "in_stock" boolean not null, "store_manager_id" uuid not null, primary key ("id"));`);

    this.addSql(`alter table "store_managers" add constraint "store_managers_name_check" check (char_length(name) >= 1 and char_length(name) <= 64);`);

    this.addSql(`alter table "items" add constraint "items_store_manager_id_foreign" foreign key ("store_manager_id") references "store_managers" ("id");`);
    this.addSql(`alter table "items" add constraint "items_name_check" check (char_length(name) >= 1 and char_length(name) <= 64);`);
    this.addSql(`alter table "items" add constraint "items_price_usd_check" check (price_usd >= 0 and price_usd < 'Infinity'::numeric);`);
    this.addSql(`alter table "items" add constraint "items_category_check" check ("category" in ('Grocery', 'Household', 'Electronics', 'Stationery', 'Personal Care', 'Apparel', 'Home Improvement', 'Pet'));`);

    this.addSql(copyRows);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "items" drop constraint "items_store_manager_id_foreign";`);

    this.addSql(`drop table if exists "store_managers" cascade;`);
    this.addSql(`drop table if exists "items" cascade;`);

    this.addSql(restoreTables);
  }

}
