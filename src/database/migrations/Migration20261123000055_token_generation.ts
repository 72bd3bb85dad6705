import { Migration } from '@mikro-orm/migrations';

export class Migration20261123000055_token_generation extends Migration {

  override name = 'Migration20261123000055_token_generation';

  override up(): void | Promise<void> {
    this.addSql(`alter table "store_managers" add "token_generation" int not null default 0;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "store_managers" drop column "token_generation";`);
  }

}
