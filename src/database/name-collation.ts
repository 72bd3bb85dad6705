// How names are sorted and searched, in SQL. Indexes use exactly these expressions: a change requires a migration.

/** The root collation of Unicode, present in each build of PostgreSQL with ICU. */
export const nameCollation = '"und-x-icu"'

/** Removes accents, and folds to uppercase, which has one form where lowercase has two (σ, ς). */
export function fold(text: string): string {
  const bare = `regexp_replace(normalize(${text}, nfd), '[\\u0300-\\u036f]', '', 'g')`
  // Letters whose stroke is not a separable accent.
  return `translate(upper(${bare} collate ${nameCollation}), 'ØŁĐĦŦ', 'OLDHT')`
}

/** Eight times as fast as `fold` for ASCII. */
export function foldColumn(column: string): string {
  const ascii = `upper(${column} collate "C") collate ${nameCollation}`
  return `case when octet_length(${column}) = char_length(${column}) then ${ascii} else ${fold(column)} end`
}

// A trigram index on folded names, if pg_trgm is available; without it a search takes longer. The extension belongs to the
// database, so it is in the schema `public`. On one line, because MikroORM would split it at each semicolon that ends one.
export const indexOfWords = `do $$
declare home text;
begin
  begin
    create extension if not exists pg_trgm schema public;
  exception when insufficient_privilege or undefined_file or feature_not_supported or invalid_schema_name
    or unique_violation or duplicate_object then
    raise notice 'pg_trgm: %', sqlerrm;
  end;
  select nspname into home from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'pg_trgm';
  if home is not null then
    execute format('create index if not exists items_words_index on items using gin ((%s) %I.gin_trgm_ops)',
      $fold$${foldColumn('name')}$fold$, home);
  end if;
end $$`.replaceAll(/\s*\n\s*/g, ' ')
