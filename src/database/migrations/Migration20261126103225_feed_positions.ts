import { Migration } from '@mikro-orm/migrations';

// In the order of the statements that write items, or a writer that waits for one of them would hold the next.
const lockTables = 'lock table items, item_changes, change_sets in access exclusive mode'

export class Migration20261126103225_feed_positions extends Migration {

  override name = 'Migration20261126103225_feed_positions';

  override up(): void | Promise<void> {
    this.addSql(lockTables);
    this.addSql(`create table "change_feed" ("id" int not null, "feed_id" uuid not null default gen_random_uuid(), "system_identifier" text null, "position_offset" bigint not null default 0, "purged_position" bigint not null default 0, primary key ("id"));`);
    this.addSql(`insert into "change_feed" ("id") values (1);`);

    this.addSql(`alter table "change_sets" drop column "xid";`);
    this.addSql(`alter table "change_sets" add "item_id" uuid null, add "undoes" uuid null, add "undone_by" uuid null;`);

    this.addSql(`drop index "item_changes_change_set_id_index";`);
    this.addSql(`alter table "item_changes" add "position" bigint not null default 0, add "is_part" boolean not null default true;`);
    this.addSql(`alter table "item_changes" alter "is_part" set default false;`);
    this.addSql(`create index "item_changes_position_index" on "item_changes" ("position", "item_id");`);
    this.addSql(`create index item_changes_parts_index on item_changes (change_set_id, item_id) where is_part;`);

    // Items that exist have no time of creation. Operators may have added the dates beforehand (see docs/operations/README.md).
    this.addSql(`alter table "items" add if not exists "created_at" timestamptz null, add if not exists "updated_at" timestamptz not null default now(), add "position" bigint not null default 0;`);
    this.addSql(`alter table "items" alter "created_at" set default now();`);
    this.addSql(`create index if not exists items_updated_at_index on items (updated_at, id);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "change_feed" cascade;`);
    this.addSql(lockTables);

    this.addSql(`alter table "change_sets" drop column "item_id", drop column "undoes", drop column "undone_by";`);
    this.addSql(`alter table "change_sets" add "xid" xid8 not null default pg_current_xact_id();`);

    this.addSql(`drop index "item_changes_position_index";`);
    this.addSql(`drop index "item_changes_parts_index";`);
    this.addSql(`alter table "item_changes" drop column "position", drop column "is_part";`);
    this.addSql(`create index "item_changes_change_set_id_index" on "item_changes" ("change_set_id", "item_id");`);

    this.addSql(`drop index "items_updated_at_index";`);
    this.addSql(`alter table "items" drop column "created_at", drop column "updated_at", drop column "position";`);
  }

}
