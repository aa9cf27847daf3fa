// Searches for better options.

import { api } from "../api.ts";
import { number, plural } from "../format.ts";
import { useEvery, useLoad, useTitle } from "../hooks.ts";
import { Command, Empty, Failure, Icon, Loading } from "../parts/ui.tsx";
import { link } from "../router.ts";
import { Markup, Style } from "../run/report.tsx";

/** Milliseconds between two looks: workers write into a study as their trials end. */
const GLANCE = 3000;

export function StudiesPage() {
  useTitle("Studies");
  const { data: studies, error, reload } = useLoad("studies", api.studies);
  useEvery(GLANCE, reload);
  // A server without studies has none to show.
  const none = error?.status === 404 || studies?.length === 0;
  if (studies === null && !none) return error ? <Failure error={error} retry={reload} /> : <Loading />;
  if (none) {
    return (
      <Empty title="No studies yet">
        <p>A study searches for options that make a better model.</p>
        <Command text="thalweg tune sample:digits --trials 30" />
      </Empty>
    );
  }
  return (
    <>
      <div class="page-head">
        <h1>Studies</h1>
        <p class="muted">{studies!.length === 1 ? "1 study" : `${studies!.length} studies`}</p>
      </div>
      <div class="card flush">
        <table class="studies">
          <thead>
            <tr>
              <th>Study</th>
              <th>Best</th>
              <th class="r">Trials</th>
              <th class="r">State</th>
            </tr>
          </thead>
          <tbody>
            {studies!.map((study) => (
              <tr key={study.id}>
                <td class="name">
                  <a class="stretched" href={link.study(study.id)}>
                    {study.id}
                  </a>
                </td>
                <td>
                  <b>{number(study.best)}</b> <span class="muted">{study.metric}</span>
                </td>
                <td class="r">{plural(study.trials, "trial")}</td>
                <td class="r">{study.state}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export function StudyPage({ id }: { id: string }) {
  useTitle(id);
  const { data: study, error, reload } = useLoad(`study ${id}`, () => api.study(id));
  useEvery(GLANCE, reload);
  if (study === null) return error ? <Failure error={error} retry={reload} /> : <Loading />;
  return (
    <>
      <div class="run-head">
        <a class="back" href={link.studies()}>
          <Icon name="back" />
          Studies
        </a>
        <div class="run-title">
          <h1>{id}</h1>
        </div>
      </div>
      <div class="report">
        {study.css && <Style css={study.css} />}
        {study.html && <Markup html={study.html} />}
        {study.sections?.map((section) => <Markup key={section.id} html={section.html} />)}
      </div>
    </>
  );
}
