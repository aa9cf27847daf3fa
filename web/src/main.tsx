import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";

import "uplot/dist/uPlot.min.css";
import "./style.css";
import { api, type Session } from "./api.ts";
import { useConnection, useLoad, useRoute } from "./hooks.ts";
import { Announcements, Button, Empty, type IconName } from "./parts/ui.tsx";
import { ComparePage } from "./pages/compare.tsx";
import { RunPage } from "./pages/run.tsx";
import { RunsPage } from "./pages/runs.tsx";
import { StudiesPage, StudyPage } from "./pages/studies.tsx";
import { TryPage } from "./pages/try.tsx";
import { PlaygroundPage } from "./playground/page.tsx";
import { link, type Route } from "./router.ts";
import { apply, useTheme, type Theme } from "./theme.ts";

function App() {
  const route = useRoute();
  const session = useLoad("session", api.session);
  const main = useRef<HTMLElement>(null);
  const place = route.page + ("id" in route ? route.id : "");
  const first = useRef(true);
  // A new page is read from its start; switching tabs is not a new page.
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    scrollTo(0, 0);
  }, [place]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <Top route={route} session={session.data} />
      <main id="main" ref={main} tabIndex={-1}>
        <Page key={place} route={route} writable={session.data?.writable ?? false} />
      </main>
      <Announcements />
    </>
  );
}

function Page({ route, writable }: { route: Route; writable: boolean }) {
  switch (route.page) {
    case "runs":
      return <RunsPage writable={writable} />;
    case "run":
      return <RunPage id={route.id} tab={route.tab} writable={writable} />;
    case "try":
      return <TryPage id={route.id} />;
    case "compare":
      return <ComparePage ids={route.runs} />;
    case "studies":
      return <StudiesPage />;
    case "study":
      return <StudyPage id={route.id} />;
    case "play":
      return <PlaygroundPage id={route.id} />;
    case "missing":
      return (
        <Empty title="There is no such page">
          <p>
            <a href={link.runs()}>All runs</a>
          </p>
        </Empty>
      );
  }
}

const THEMES: Record<Theme, { next: Theme; icon: IconName; words: string }> = {
  auto: { next: "light", icon: "auto", words: "as the system" },
  light: { next: "dark", icon: "sun", words: "light" },
  dark: { next: "auto", icon: "moon", words: "dark" },
};

function Top({ route, session }: { route: Route; session: Session | null }) {
  const [theme, choose] = useTheme();
  const connected = useConnection();
  const studies = route.page === "studies" || route.page === "study";
  const playground = route.page === "play";
  return (
    <header class="top">
      <a class="brand" href={link.runs()}>
        <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
          <path d="M1.5 3c3.5 0 3 10 6.5 10s3-10 6.5-10" />
        </svg>
        Thalweg
      </a>
      <nav aria-label="Pages">
        <a href={link.runs()} aria-current={studies || playground ? undefined : "page"}>
          Runs
        </a>
        <a href={link.studies()} aria-current={studies ? "page" : undefined}>
          Studies
        </a>
        <a href={link.play()} aria-current={playground ? "page" : undefined}>
          Playground
        </a>
      </nav>
      {!connected && (
        <span class="offline" role="status">
          Connection lost, trying again
        </span>
      )}
      {session && (
        <span class="folder" title={session.folder}>
          <bdi>{session.folder}</bdi>
        </span>
      )}
      {session && !session.writable && <span class="status stopped">Read only</span>}
      <Button
        kind="quiet"
        icon={THEMES[theme].icon}
        aria-label={`Colours: ${THEMES[theme].words}. Switch.`}
        onClick={() => choose(THEMES[theme].next)}
      />
    </header>
  );
}

apply();
render(<App />, document.getElementById("app")!);
