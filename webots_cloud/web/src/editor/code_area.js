// CodeMirror as the editor uses it: one text at a time is shown, each with its own history.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, undo } from "@codemirror/commands";
import { cpp } from "@codemirror/lang-cpp";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  tooltips,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { languageOf } from "./controller_file.js";

const LANGUAGES = { python: () => python(), cpp: () => cpp(), text: () => [] };

const COMMON = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightActiveLine(),
  highlightSpecialChars(),
  highlightSelectionMatches(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  search({ top: true }),
  // The view clips what is placed by the window.
  tooltips({ position: "absolute" }),
  syntaxHighlighting(classHighlighter),
  keymap.of([
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...completionKeymap,
    // Escape, then Tab leaves the text; the editor says so.
    indentWithTab,
  ]),
];

/** Shows one text of several; a text is a CodeMirror `EditorState`, which its owner keeps. */
export class CodeArea {
  #view;
  #readOnly = new Compartment();
  #isReadOnly = false;

  /**
   * @param {ShadowRoot} root gets the style sheets.
   * @param {HTMLElement} parent gets the area inside.
   * @param {(state: EditorState) => void} onchange whenever what is shown changes, be it only the selection.
   */
  constructor(root, parent, onchange) {
    this.#view = new EditorView({
      root,
      parent,
      dispatchTransactions: (transactions, view) => {
        view.update(transactions);
        onchange(view.state);
      },
    });
  }

  /**
   * A text that is not shown yet.
   *
   * @param {string} content
   * @param {string} file its name tells how it is highlighted.
   * @param {string} label its name for those who do not see the tab.
   */
  textOf(content, file, label) {
    const language = languageOf(file);
    // A file keeps the ends of its lines, unless it has several kinds.
    const ends = /\r\n/.test(content) && !/(^|[^\r])\n/.test(content) ? EditorState.lineSeparator.of("\r\n") : [];
    return EditorState.create({
      doc: content,
      extensions: [
        COMMON,
        LANGUAGES[language](),
        ends,
        indentUnit.of(/^\t/m.test(content) ? "\t" : language === "python" ? "    " : "  "),
        this.#readOnly.of(EditorState.readOnly.of(this.#isReadOnly)),
        EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": "webots-editor-hint" }),
      ],
    });
  }

  /** What a text is as a string. */
  static contentOf(state) {
    return state.sliceDoc();
  }

  /** Show a text, scrolled as it was when `snapshot` was taken. */
  show(state, snapshot = null) {
    this.#view.setState(state);
    this.setReadOnly(this.#isReadOnly);
    if (snapshot) {
      this.#view.dispatch({ effects: snapshot });
    }
  }

  /** How the text that is shown is scrolled. */
  snapshot() {
    return this.#view.scrollSnapshot();
  }

  /** @param {boolean} readOnly of all texts. */
  setReadOnly(readOnly) {
    this.#isReadOnly = readOnly;
    this.#view.dispatch({ effects: this.#readOnly.reconfigure(EditorState.readOnly.of(readOnly)) });
  }

  /** Replace a text in such a way that undoing brings the one before back. */
  static replaced(state, content) {
    return state.update({ changes: { from: 0, to: state.doc.length, insert: state.toText(content) } }).state;
  }

  /** Put the cursor into a line, counted from 1, and show it. */
  goTo(number) {
    const { doc } = this.#view.state;
    const line = doc.line(Math.min(Math.max(1, number), doc.lines));
    const effects = EditorView.scrollIntoView(line.from, { y: "center" });
    this.#view.dispatch({ selection: { anchor: line.from }, effects });
    this.#view.focus();
  }

  find() {
    openSearchPanel(this.#view);
  }

  undo() {
    undo(this.#view);
    this.#view.focus();
  }

  focus() {
    this.#view.focus();
  }

  dispose() {
    this.#view.destroy();
  }
}
