import { Migration } from '@mikro-orm/migrations';

export class Migration20261125093322_indexes_of_items extends Migration {

  override name = 'Migration20261125093322_indexes_of_items';

  override up(): void | Promise<void> {
    this.addSql(`create index if not exists items_name_index on items (name collate "und-x-icu", id);`);
    this.addSql(`create index if not exists items_price_usd_index on items (price_usd, id);`);
    this.addSql(`create index if not exists items_store_manager_id_index on items (store_manager_id, id);`);
    this.addSql(`create index if not exists items_summary_index on items (category, in_stock, price_usd);`);
    this.addSql(`do \$\$ declare home text; begin begin create extension if not exists pg_trgm schema public; exception when insufficient_privilege or undefined_file or feature_not_supported or invalid_schema_name or unique_violation or duplicate_object then raise notice 'pg_trgm: %', sqlerrm; end; select nspname into home from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'pg_trgm'; if home is not null then execute format('create index if not exists items_words_index on items using gin ((%s) %I.gin_trgm_ops)', \$fold\$case when octet_length(name) = char_length(name) then upper(name collate "C") collate "und-x-icu" else translate(upper(regexp_replace(normalize(name, nfd), '[\\u0300-\\u036f]', '', 'g') collate "und-x-icu"), 'ØŁĐĦŦ', 'OLDHT') end\$fold\$, home); end if; end \$\$;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "items_name_index";`);
    this.addSql(`drop index "items_price_usd_index";`);
    this.addSql(`drop index "items_store_manager_id_index";`);
    this.addSql(`drop index "items_summary_index";`);
    this.addSql(`drop index if exists "items_words_index";`);
  }

}
