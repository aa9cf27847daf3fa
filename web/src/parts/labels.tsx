// The dialogs that change runs: tags and notes, and deletion.

import { useState } from "preact/hooks";

import { api, type Refusal } from "../api.ts";
import { plural } from "../format.ts";
import { readTags } from "../list.ts";
import { announce, Button, Dialog, Failure } from "./ui.tsx";

interface Labelled {
  id: string;
  tags: string[];
  notes: string;
}

export function LabelsDialog({ row, known, close, saved }: { row: Labelled; known: string[]; close: () => void; saved: () => void }) {
  const [tags, setTags] = useState(row.tags.join(", "));
  const [notes, setNotes] = useState(row.notes);
  const { error, busy, act } = useAction(async () => {
    await api.label(row.id, { tags: readTags(tags), notes });
    announce(`Saved the labels of ${row.id}`);
    saved();
    close();
  });
  const now = readTags(tags);
  const others = known.filter((tag) => !now.includes(tag));
  return (
    <Dialog
      title={`Tags and notes of ${row.id}`}
      close={close}
      submit={act}
      actions={
        <>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={busy}>
            Save
          </Button>
        </>
      }
    >
      <label class="field">
        Tags, separated by commas
        <input type="text" autoFocus value={tags} placeholder="baseline, wide" onInput={(event) => setTags(event.currentTarget.value)} />
      </label>
      {others.length > 0 && (
        <div class="chips" role="group" aria-label="Tags of other runs">
          {others.map((tag) => (
            <button key={tag} type="button" class="chip tag" onClick={() => setTags([...now, tag].join(", "))}>
              + {tag}
            </button>
          ))}
        </div>
      )}
      <label class="field">
        Notes
        <textarea rows={5} value={notes} onInput={(event) => setNotes(event.currentTarget.value)} />
      </label>
      {error && <Failure error={error} />}
    </Dialog>
  );
}

export function DeleteDialog({ runs, close, deleted }: { runs: { id: string }[]; close: () => void; deleted: () => void }) {
  const { error, busy, act } = useAction(async () => {
    for (const { id } of runs) await api.remove(id);
    announce(runs.length === 1 ? `Deleted ${runs[0]!.id}` : `Deleted ${plural(runs.length, "run")}`);
    deleted();
    close();
  });
  return (
    <Dialog
      title={runs.length === 1 ? `Delete ${runs[0]!.id}?` : `Delete ${plural(runs.length, "run")}?`}
      close={close}
      submit={act}
      actions={
        <>
          <Button autoFocus onClick={close}>Keep</Button>
          <Button type="submit" kind="danger" icon="trash" disabled={busy}>
            Delete
          </Button>
        </>
      }
    >
      <p>
        {runs.length === 1 ? "Its folder" : "Their folders"} with the model, the checkpoints and the report will be removed from the disk.
        This cannot be undone.
      </p>
      {runs.length > 1 && (
        <ul class="names">
          {runs.map(({ id }) => (
            <li key={id}>{id}</li>
          ))}
        </ul>
      )}
      {error && <Failure error={error} />}
    </Dialog>
  );
}

function useAction(action: () => Promise<void>) {
  const [error, setError] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const act = () => {
    setBusy(true);
    action().catch((refusal: Refusal) => {
      setError(refusal);
      setBusy(false);
    });
  };
  return { error, busy, act };
}
