import { repeated } from '../arguments/parse-arguments.ts'
import type { BackfillFlags } from '../backfill/backfill-flags.ts'
import { listBackfills, revertNamed } from '../backfill/manage-backfills.ts'
import { runBackfill } from '../backfill/run-backfill.ts'
import type { CliCommand } from '../command.ts'
import { usageError } from '../exit-codes.ts'
import { formatNames } from '../logs/log-formats.ts'

/** Turns access logs of past days into events. */
export const backfill: CliCommand<BackfillFlags> = {
  name: 'backfill',
  summary: 'Turn access logs of past days into events; list and revert such backfills',
  uses: ['store', 'px'],
  define: (command) =>
    void command
      .argument('<log...>', 'access logs, plain or gzip; `-` is standard input; or: list, or: revert <name>')
      .option('--routes <file>', 'route templates: a list, JSON of the app, or OpenAPI; or their URL')
      .option(
        '--identify <how>',
        'who called: a field, a .csv file (key,userId,accountId), or a module',
        'remote_user',
      )
      .option('--key <field>', 'the field that is looked up in the .csv file', 'remote_user')
      .option('--account <field>', 'the field with the account, beside a field with the user')
      .option('--format <name>', formatNames.join(', '), 'auto')
      .option('--fields <map>', 'fields of JSON lines: time=ts,method=verb,path=url,status=code')
      .option('--ignore <route>', 'do not count this route; may be repeated', repeated)
      .option('--property <name=value>', 'a property of the service (default apiType=RESTful)', repeated)
      .option(
        '--rollup <event=by>',
        'a rollup of the service: dailyApiCalls=identity, ...=endpoint',
        repeated,
      )
      .option('--from <day>', 'the first day to count')
      .option('--to <day>', 'the last day to count')
      .option('--name <text>', 'the name of the backfill (default: the time)')
      .option('--revision', 'add the calls to days that were closed or queued before')
      .option('--preview', 'show what would be queued, and stop')
      .option('--yes', 'do not ask')
      .option('--new-namespace', 'queue although no service has counted with these settings yet')
      .option('--for-export', 'queue for `export` only: px-usage never sends these events')
      .addHelpText(
        'after',
        '\nA log named list or revert is given as ./list. PX events cannot be deleted, so\nlook at a preview first.\n\nExamples:\n  px-usage backfill --routes routes.txt --preview access.log.2.gz access.log.1\n  zcat *.gz | px-usage backfill --routes api.yaml --identify keys.csv --yes -\n  px-usage backfill list\n  px-usage backfill revert "logs of May"',
      ),

  async run(context) {
    const [first, ...rest] = context.args
    if (first === 'list') {
      if (rest.length > 0) throw usageError('`backfill list` has no arguments.')
      return listBackfills(context)
    }
    if (first === 'revert') {
      const [name, ...more] = rest
      if (name === undefined || more.length > 0) {
        throw usageError('Give one name: px-usage backfill revert <name>. `backfill list` shows the names.')
      }
      return revertNamed(name, context)
    }
    return runBackfill(context.args, context)
  },
}
