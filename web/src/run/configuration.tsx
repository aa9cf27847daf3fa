// What was decided and why, the whole configuration, and how to repeat the run.

import { useState } from "preact/hooks";

import { alternatives } from "../advice.ts";
import type { Run } from "../api.ts";
import { capital } from "../format.ts";
import { Card, Command, Copy, Toggle } from "../parts/ui.tsx";

export function Configuration({ run }: { run: Run }) {
  return (
    <>
      {run.decisions.length > 0 && (
        <Card title="Decided for you" note="What was left open was chosen as follows; the flag chooses otherwise.">
          <ul class="decisions">
            {run.decisions.map((decision) => (
              <li key={decision.what}>
                <div>
                  <strong>{capital(decision.what)}</strong>
                  <span class="muted">{decision.why}</span>
                </div>
                <Alternatives text={decision.instead} />
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Options run={run} />
      {(run.command || run.facts.length > 0) && (
        <Card title="To repeat this run">
          {run.command && <Command text={run.command} />}
          <dl class="facts">
            {run.facts.map(([name, value]) => (
              <div key={name}>
                <dt>{capital(name)}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </Card>
      )}
    </>
  );
}

/** Flags as buttons that copy them, other words as words. */
function Alternatives({ text }: { text: string }) {
  return (
    <div class="flags">
      {alternatives(text).map(({ text, flag }) =>
        flag ? (
          <Copy key={text} text={text} label={`Copy the flag ${text}`}>
            <code>{text}</code>
          </Copy>
        ) : (
          <span key={text} class="muted">
            {text}
          </span>
        ),
      )}
    </div>
  );
}

function Options({ run }: { run: Run }) {
  const [changed, onlyChanged] = useState(false);
  const [text, search] = useState("");
  if (run.configuration.length === 0) return null;
  const shown = run.configuration.filter(
    (option) => !(changed && option.default) && `${option.key} ${option.value}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <Card
      title="Configuration"
      side={
        <div class="side">
          <Toggle label="Only what differs from the defaults" on={changed} set={onlyChanged} />
          <input type="search" aria-label="Search options" placeholder="Search options" value={text} onInput={(event) => search(event.currentTarget.value)} />
        </div>
      }
    >
      {shown.length === 0 ? (
        <p class="muted">No option is like that.</p>
      ) : (
        <dl class="options">
          {shown.map((option) => (
            <div key={option.key} class={option.default ? "" : "set"}>
              <dt>
                <code>{option.key}</code>
              </dt>
              <dd>
                <code>{String(option.value) || "–"}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}
