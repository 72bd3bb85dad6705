import { Migration } from '@mikro-orm/migrations'

// Names the accounts that would become one, with what they own, so that an operator can decide.
const refuseDuplicates = `do $$
declare accounts text;
begin
  select string_agg(line, e'\\n') into accounts from (
    select format('  %s (id %s, %s items)', email, id,
      (select count(*) from items where store_manager_id = store_managers.id)) as line
    from store_managers
    where lower(email collate "und-x-icu") in (
      select lower(email collate "und-x-icu") from store_managers group by 1 having count(*) > 1)
    order by lower(email collate "und-x-icu"), id
    limit 100) as lines;
  if accounts is not null then
    raise exception using message = e'Several accounts have e-mail addresses that differ only in case:\\n' || accounts
      || e'\\nNothing was changed. Give each account an address of its own (update store_managers set email = … where id = …), '
      || 'or move the items of one to another (update items set store_manager_id = … where store_manager_id = …) '
      || 'and delete it. Then start again.';
  end if;
end $$`

export class Migration20261126001037_fold_emails_by_one_collation extends Migration {
  override name = 'Migration20261126001037_fold_emails_by_one_collation'

  override up(): void | Promise<void> {
    this.addSql(`drop index "store_managers_email_key";`)
    this.addSql(refuseDuplicates)
    this.addSql(
      `create index store_managers_cost_index on store_managers ("substring"(password_hash, '^\\$2[abxy]\\$(\\d\\d)\\$'));`,
    )
    this.addSql(
      `create unique index store_managers_email_key_folded on store_managers (lower(email collate "und-x-icu"));`,
    )
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "store_managers_cost_index";`)
    this.addSql(`drop index "store_managers_email_key_folded";`)
    this.addSql(`create unique index store_managers_email_key on store_managers (lower(email));`)
  }
}
