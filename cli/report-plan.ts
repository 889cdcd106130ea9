/** What an install or uninstall changed, or would change: the plan for people, or a list of files under --json. */
import type { Cli } from './cli.ts';
import { renderPlan } from './install/render-plan.ts';
import type { FileChange, Plan } from './install/types.ts';

interface PlanReport {
  /** False: a dry run. */
  readonly done: boolean;
  /** Further members of the JSON answer. */
  readonly facts: Readonly<Record<string, string>>;
  readonly headline: string;
}

export async function reportPlan(plan: Plan, { done, facts, headline }: PlanReport, cli: Cli): Promise<void> {
  const { client, dir, changes, notes } = plan;
  const files = changes.map((change) => ({ path: change.path, action: actionOf(change) }));
  await cli.answer({ client, dir, done, ...facts, changes: files, notes }, () => planText(plan, done, headline));
}

function actionOf({ before, after }: FileChange): 'create' | 'remove' | 'change' {
  return before === null ? 'create' : after === null ? 'remove' : 'change';
}

/** A dry run shows every line; afterwards the names are enough. */
function planText(plan: Plan, done: boolean, headline: string): string {
  if (!done) return `${headline}\n${renderPlan(plan)}Nothing was changed: this was a dry run.`;
  const files = plan.changes.map((change) => `  ${actionOf(change).padEnd(6)}  ${change.path}`);
  const what = files.length === 0 ? [`${plan.title}: nothing to change in ${plan.dir}`] : [plan.title, ...files];
  const notes = plan.notes.length === 0 ? [] : ['', ...plan.notes.map((note) => `* ${note}`)];
  return [headline, ...what, ...notes].join('\n');
}
