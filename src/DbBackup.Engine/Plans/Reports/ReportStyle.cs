namespace DbBackup.Engine.Plans.Reports;

/// <summary>The page's look: light and dark as the system says, from a phone's width on.</summary>
internal static class ReportStyle
{
    /// <summary>The style sheet. States differ in words and borders too, not in colour alone.</summary>
    public const string Css = """

        :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1b1f24; --soft: #57606a; --line: #d8dee4;
          --critical: #b3261e; --warning: #8a5a00; --ok: #1a7f37; --accent: #0b61c4; --going: #8c959f; }
        @media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --text: #e6edf3; --soft: #9aa5b1; --line: #30363d;
          --critical: #ff8f87; --warning: #e3b341; --ok: #56d364; --accent: #6cb6ff; --going: #7d8590; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        main { max-width: 68rem; margin: 0 auto; padding: 1.25rem clamp(.75rem, 3vw, 2rem) 3rem; }
        header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1rem; }
        h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 0 0 .75rem; } h3 { font-size: 1rem; margin: 0 0 .25rem; }
        h1, h2, h3, dd, td, th, li { overflow-wrap: anywhere; }
        .when, .key, .axis, small, dt, .next { color: var(--soft); }
        .tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: .75rem; list-style: none; margin: 1rem 0; padding: 0; }
        .tile { background: var(--card); border: 1px solid var(--line); border-top: 4px solid; border-radius: .5rem; padding: .5rem .9rem; }
        .tile b { font-size: 1.8rem; line-height: 1.2; display: block; } .tile span { color: var(--text); }
        .tile.critical { border-top-color: var(--critical); color: var(--critical); } .tile.warning { border-top-color: var(--warning); color: var(--warning); }
        .tile.ok { border-top-color: var(--ok); color: var(--ok); } .tile.none { border-top-color: var(--line); color: var(--soft); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem clamp(.75rem, 2.5vw, 1.25rem); margin: 1rem 0; }
        .alarm { border-left: 4px solid var(--line); padding: .1rem 0 .1rem .8rem; margin: .75rem 0; }
        .alarm.critical { border-left-color: var(--critical); } .alarm.warning { border-left-color: var(--warning); }
        .alarm ul { margin: .25rem 0 0; padding-left: 1.1rem; } .alarm li { margin: .25rem 0; } .next { display: block; font-size: .92rem; }
        .badge { display: inline-block; border: 1.5px solid; border-radius: 1rem; font-size: .75rem; font-weight: 600; line-height: 1.3; padding: .05rem .55rem; vertical-align: .12em; }
        .badge.critical { color: var(--critical); } .badge.warning { color: var(--warning); } .badge.ok { color: var(--ok); }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .6rem 1.25rem; margin: 0 0 1rem; }
        dt { font-size: .8rem; } dd { margin: 0; }
        .note { margin: .75rem 0; }
        figure { margin: 1.25rem 0; } figcaption { font-weight: 600; margin-bottom: .35rem; }
        .key { font-weight: 400; font-size: .85rem; white-space: nowrap; } .key i { display: inline-block; width: .55rem; height: .8rem; margin: 0 .25rem 0 .6rem; border-radius: 2px; vertical-align: -.08rem; }
        .lanes { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .75rem; align-items: center; }
        .lane { font-size: .85rem; } .lanes svg { width: 100%; height: 1.25rem; display: block; background: var(--page); border-radius: 3px; }
        .axis { display: flex; justify-content: space-between; font-size: .8rem; margin-top: .2rem; }
        .sizes { width: 100%; height: 6rem; display: block; border-bottom: 1px solid var(--line); }
        rect.proved { fill: var(--ok); } rect.written { fill: var(--accent); } rect.bad { fill: var(--critical); } rect.going { fill: var(--going); }
        i.proved { background: var(--ok); } i.written { background: var(--accent); } i.bad { background: var(--critical); } i.going { background: var(--going); }
        .area { fill: var(--accent); opacity: .15; } .line { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
        .scroll { overflow-x: auto; margin: 1.25rem 0 0; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        caption { text-align: left; font-weight: 600; font-size: 1rem; padding-bottom: .3rem; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); min-width: 5.5rem; }
        thead th { color: var(--soft); font-weight: 400; font-size: .8rem; } tbody th { font-weight: 400; }
        tr.bad td, tr.bad th { color: var(--critical); }
        @media print { body { background: #fff; } section { break-inside: avoid-page; } }

        """;
}
