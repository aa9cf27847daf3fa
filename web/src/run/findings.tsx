// What the doctor found, and the run's warnings.

import type { Finding, Run } from "../api.ts";
import { capital } from "../format.ts";
import { Card, Command } from "../parts/ui.tsx";

/** Whether a finding is bad, worth a look, or a remark, whatever the words for it. */
function grade(severity: string): "bad" | "warn" | "info" {
  if (/sever|error|critical|bad/i.test(severity)) return "bad";
  return /warn|moderate|medium/i.test(severity) ? "warn" : "info";
}

export function Findings({ run }: { run: Run }) {
  const findings = run.findings ?? [];
  const warnings = run.warning_texts.map(readWarning);
  if (findings.length === 0 && warnings.length === 0) return null;
  return (
    <Card title="What to look at" class="findings">
      <ul>
        {findings.map((finding) => (
          <FindingItem key={`${finding.code} ${finding.what}`} finding={finding} />
        ))}
        {warnings.map((warning) => (
          <li key={warning.what} class="finding warn">
            <div class="finding-head">
              <span class="severity">Warning</span>
              <strong>{capital(warning.what)}</strong>
            </div>
            {warning.remedy && <p>{capital(warning.remedy)}</p>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** A warning as the terminal has it, with its remedy after `fix:`. */
export function readWarning(text: string): { what: string; remedy: string } {
  const [what = "", remedy = ""] = text.split(/\n\s*fix: /, 2);
  return { what, remedy };
}

function FindingItem({ finding }: { finding: Finding }) {
  const { code, severity, what, evidence, prescription } = finding;
  return (
    <li class={`finding ${grade(severity)}`}>
      <div class="finding-head">
        <span class="severity">{capital(severity)}</span>
        <strong>{what}</strong>
        <code class="code">{code}</code>
      </div>
      <p>{evidence}</p>
      {prescription?.command && <Command text={prescription.command} />}
      {prescription?.expected && <p class="muted">Expected: {prescription.expected}</p>}
    </li>
  );
}
