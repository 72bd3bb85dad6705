// How names are sorted and searched, in SQL. The indexes are on these very expressions: who changes them makes a revision.

/** People's order, of any language (the root collation of Unicode), which each build of PostgreSQL with ICU has. */
export const nameCollation = '"und-x-icu"'

/** SQL: `text` without accents and in capitals, for those have one form where small letters have two (σ, ς). */
export function fold(text: string): string {
  const bare = `regexp_replace(normalize(${text}, nfd), '[\\u0300-\\u036f]', '', 'g')`
  // Letters whose stroke is no accent that could be taken off.
  return `translate(upper(${bare} collate ${nameCollation}), 'ØŁĐĦŦ', 'OLDHT')`
}

/** SQL: the same for a column, eight times as fast where it holds ASCII alone. */
export function foldColumn(column: string): string {
  const ascii = `upper(${column} collate "C") collate ${nameCollation}`
  return `case when octet_length(${column}) = char_length(${column}) then ${ascii} else ${fold(column)} end`
}

/**
 * SQL: an index on the trigrams of folded names, where PostgreSQL has pg_trgm and lets us use it: without it a search takes
 * longer. The extension belongs to the database, so it is in the schema `public` and stays there when the index goes.
 * One line, for the writer of revisions would cut it after each semicolon that ends one.
 */
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
