/** A package's public API as text: for each entry point, each exported name with its declaration as the `.d.ts` has it. */
import { join } from 'node:path';
import ts from 'typescript';

/**
 * @param folder a built package
 * @param exports its `exports` field: subpath to conditions, of which `types` is read
 * @returns one section an entry point, names in alphabetical order, without comments and without what is not exported
 */
export function renderPublicApi(folder: string, exports: Readonly<Record<string, { readonly types: string }>>): string {
  const entries = Object.entries(exports).map(([subpath, { types }]) => ({ subpath, file: join(folder, types) }));
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  const sections = entries.map(({ subpath, file }) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    // A module without an import or export has no symbol: it exports nothing.
    const names = (module ? checker.getExportsOfModule(module) : []).toSorted((a, b) => compare(a.name, b.name));
    return [`# ${subpath}`, ...names.map((name) => renderExport(checker, name))].join('\n\n');
  });
  return `${sections.join('\n\n')}\n`;
}

function renderExport(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const texts = (target.declarations ?? []).map((declaration) => {
    // `const x: T` is declared inside a statement, and only the statement says `declare const`.
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    return withoutComments(node.getText());
  });
  const renamed = symbol.name === target.name ? '' : `as ${symbol.name}: `;
  return `${renamed}${texts.join('\n')}`;
}

function withoutComments(text: string): string {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, text);
  let kept = '';
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const isComment = kind === ts.SyntaxKind.SingleLineCommentTrivia || kind === ts.SyntaxKind.MultiLineCommentTrivia;
    if (!isComment) kept += scanner.getTokenText();
  }
  return kept.replace(/\n\s*(?=\n)/g, '').replace(/[ \t]+$/gm, '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
