import { categories, maxNameLength } from './constraints.ts'
import { foldedEmail } from './managers.ts'

// Adopts the tables of the FastAPI service, if there are any. They are renamed, not dropped, so that a rollback stays possible.

/** The SQLSTATE of tables that cannot be adopted; its message is for the operator. */
export const adoptionRefused = 'ST001'

const tables = {
  store_managers: ['id', 'name', 'email', 'password_hash'],
  items: ['id', 'name', 'category', 'price_usd', 'in_stock', 'store_manager_id'],
}

const prefix = 'fastapi_'

const named = 20

const columns = Object.entries(tables).flatMap(([table, names]) => names.map((name) => `'${table}.${name}'`))

const isName = `coalesce(char_length(name) between 1 and ${maxNameLength}, false)`

// SQLAlchemy's enum holds names of members, as PERSONAL_CARE for "Personal Care". In a Turkish locale, I is not the uppercase of i.
const category = `(select known from unnest(array[${categories.map((name) => `'${name}'`).join(', ')}]) as known
  where lower(known collate "C") = lower(replace(category::text, '_', ' ') collate "C"))`

/** The digits that were displayed: 4.99, where casting a REAL alone would keep 4.989999771118164. */
const price = 'price_usd::text::numeric'

/** The first index of email addresses folds them by the locale of the database. */
const foldings = ['lower(email)', foldedEmail]

const addressesAlike = (folded: string) => `
    select string_agg(email, ' and ' order by email) as addresses from store_managers
      group by ${folded} having count(*) > 1`

export const setTablesAside = `do $adopt$
declare
  home text := current_schema();
  rows_found text;
  problems text[] := '{}';
  index_name text;
  table_name text;
begin
  if to_regclass(format('%I.items', home)) is null and to_regclass(format('%I.store_managers', home)) is null then
    return;
  end if;
  select string_agg(expected, ', ') into rows_found from unnest(array[${columns.join(', ')}]) as expected
    where not exists (select from information_schema.columns as present
      where present.table_schema = home and present.table_name || '.' || present.column_name = expected);
  if rows_found is not null then
    raise exception using errcode = '${adoptionRefused}', message = format(
      'The schema %s has tables that are neither those of Stockroom nor those of the FastAPI service (missing: %s). '
      'Set POSTGRES_SCHEMA to another schema.', home, rows_found);
  end if;
  lock table store_managers, items in access exclusive mode;
  perform set_config('extra_float_digits', '1', true);

  select string_agg(addresses, '; ') into rows_found from (
    ${foldings.map(addressesAlike).join(' union ')} order by 1 limit ${named}) as doubles;
  problems := problems || ('Email addresses that differ only in case: ' || rows_found);
  select string_agg(id::text, ', ') into rows_found from (
    select id from store_managers
      where not ${isName} or email is null or password_hash is null order by id limit ${named}) as odd;
  problems := problems || ('Managers without a name of 1 to ${maxNameLength} characters, an email address, or a password hash: ' || rows_found);
  select string_agg(id::text, ', ') into rows_found from (
    select id from items
      where not ${isName} or in_stock is null or ${category} is null
        or not coalesce(${price} >= 0 and ${price} < 'Infinity'::numeric, false)
        or not exists (select from store_managers where store_managers.id = store_manager_id)
      order by id limit ${named}) as odd;
  problems := problems || ('Items whose name, category, price, stock, or manager is missing or invalid: ' || rows_found);
  if array_to_string(problems, '') <> '' then
    raise exception using errcode = '${adoptionRefused}', message =
      'The tables of the FastAPI service cannot be taken over yet, and nothing has been changed. '
      || array_to_string(problems, '. ') || '. Correct these rows (at most ${named} are named) and start again.';
  end if;

  foreach table_name in array array['items', 'store_managers'] loop
    for index_name in select relname from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = to_regclass(format('%I.%I', home, table_name)) loop
      execute format('alter index %I.%I rename to %I', home, index_name, '${prefix}' || index_name);
    end loop;
    execute format('alter table %I.%I rename to %I', home, table_name, '${prefix}' || table_name);
  end loop;
end $adopt$;`

export const copyRows = `do $adopt$
begin
  if to_regclass(format('%I.${prefix}items', current_schema())) is null then
    return;
  end if;
  insert into store_managers (id, name, email, password_hash)
    select id::text::uuid, name, email, password_hash from ${prefix}store_managers;
  insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select id::text::uuid, name, ${category}, ${price}, in_stock, store_manager_id::text::uuid from ${prefix}items;
end $adopt$;`

export const restoreTables = `do $adopt$
declare
  home text := current_schema();
  index_name text;
  table_name text;
begin
  foreach table_name in array array['items', 'store_managers'] loop
    continue when to_regclass(format('%I.%I', home, '${prefix}' || table_name)) is null;
    execute format('alter table %I.%I rename to %I', home, '${prefix}' || table_name, table_name);
    for index_name in select relname from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = to_regclass(format('%I.%I', home, table_name)) and starts_with(relname, '${prefix}') loop
      execute format('alter index %I.%I rename to %I', home, index_name, substr(index_name, ${prefix.length + 1}));
    end loop;
  end loop;
end $adopt$;`
