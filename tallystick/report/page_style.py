"""How a report or a form looks, on a screen and on A4 paper."""

STYLE = """
body{font:15px/1.55 serif;max-width:54rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .4rem;border-bottom:1px solid #bbb}
h3{font-size:1rem;margin:1rem 0 .2rem}
.verdict{font-weight:bold;font-size:1.15rem;padding:.5rem .8rem;border-left:.4rem solid;margin:.7rem 0}
p.proved{border-color:#2c6e49;background:#eef6f0}p.not_proved,p.malformed{border-color:#a8321f;background:#fbefec}
.alarms{border:1px solid #a8321f;background:#fbefec;color:#7c2114;padding:.3rem .8rem;margin:.7rem 0}
.alarms p:first-child{font-weight:bold}.lead p{margin:.2rem 0}
table{border-collapse:collapse;width:100%;margin:.3rem 0;table-layout:fixed}
th{text-align:left;font-weight:normal;color:#5a6570;font-size:.85em}
td,th{border-bottom:1px solid #ddd;padding:.25rem .6rem .25rem 0;vertical-align:top;overflow-wrap:anywhere}
tr.proved td:nth-child(2){color:#2c6e49}tr.contradicted td:nth-child(2){color:#a8321f;font-weight:bold}
tr.not_proved td:nth-child(2),tr.needs_external_fact td:nth-child(2){color:#8a5a00;font-weight:bold}
p{margin:.3rem 0;overflow-wrap:anywhere}.alarm{color:#a8321f;font-weight:bold}
.note,.foot{color:#5a6570;font-size:.87em}
.chart{font-size:.8rem;table-layout:auto}.chart th{vertical-align:bottom}
.chart td:last-child,.chart th:last-child{width:24%;min-width:9em;padding-right:0}
.chart td:first-child{width:28%}.chart td:nth-child(3),.chart td:nth-child(4){white-space:nowrap}
.ends{display:flex;justify-content:space-between;font-size:.7rem}.ends span{width:6em}
.ends span:last-child{text-align:right}
.axis{position:relative;height:1.3em;background:#f3f4f5}
.axis div{position:absolute;top:.3em;bottom:.3em;min-width:2px;box-sizing:border-box;background:#b9bfc6}
.axis .from{border-left:3px solid}.axis .until{border-right:3px solid}
.independent .axis div{background:#9fcdb0;color:#2c6e49}.operator .axis div{color:#5a6570}
.party .axis div{background:#e0dccb;color:#8a7a3a}
.axis .crossed,.independent .axis .crossed{background:#e2a79b;color:#a8321f}
@media(max-width:45rem){.chart{table-layout:fixed}
.chart td:nth-child(n),.chart th:last-child{min-width:0;white-space:normal}
.ends{flex-direction:column}}
@page{size:A4;margin:16mm 16mm 18mm;
@bottom-right{content:counter(page) " / " counter(pages);font:8pt serif;color:#5a6570}}
@media print{body{margin:0;padding:0;max-width:none;font-size:9.2pt;line-height:1.32}
h2,h3,h2+p,h3+p,h2+p+p,thead{break-after:avoid}h2,h3{margin-top:.8rem}.fresh{break-before:page}tr,.alarms,.verdict,.kept{break-inside:avoid}
h1{font-size:15pt}h2{font-size:11.5pt}h3{font-size:10pt}.verdict{font-size:11pt;padding:.3rem .6rem}
table{font-size:8.8pt}
thead{display:table-header-group}td,th{padding-top:.1rem;padding-bottom:.1rem}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
