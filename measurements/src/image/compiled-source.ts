import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'

/** The repository's compiler settings, less what only `tsc -b` needs. */
const OPTIONS: ts.CompilerOptions = {
  ...settings(),
  composite: false,
  declaration: false,
  declarationMap: false,
  incremental: false,
  isolatedDeclarations: false,
  // Every package of ours is an ES module, which a file by itself does not say.
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  noEmit: false,
  sourceMap: false,
}

function settings(): ts.CompilerOptions {
  const file = join(root, 'tsconfig.base.json')
  const { config } = ts.parseConfigFileTextToJson(file, readFileSync(file, 'utf8')) as {
    readonly config?: { readonly compilerOptions?: unknown }
  }
  return ts.convertCompilerOptionsFromJson(config?.compilerOptions, root).options
}

/**
 * JavaScript of one source file. With `verbatimModuleSyntax` and `erasableSyntaxOnly` each file compiles by itself to
 * what `tsc -b` writes; types are judged by the type check, not here.
 * @throws MeasureError `IMAGE_SOURCE`
 */
export function compileSource(path: string, source: string): string {
  const { outputText, diagnostics = [] } = ts.transpileModule(source, {
    compilerOptions: OPTIONS,
    fileName: path,
    reportDiagnostics: true,
  })
  const [problem] = diagnostics
  if (problem !== undefined) {
    const text = ts.flattenDiagnosticMessageText(problem.messageText, ' ')
    throw new MeasureError('IMAGE_SOURCE', `${path}: ${text}`)
  }
  return outputText
}
