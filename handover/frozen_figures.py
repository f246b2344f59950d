import sys; sys.path.insert(0,'/tmp/short/work')
import numpy as np
from analytics.embedded import analyser
from analytics.embedded.injection import looks_like_injection
from analytics.tests.embedded import frozen as f
print(analyser().version)
for name in ("sentiment_1.txt","sentiment_2.txt"):
    raw=f.lines(name); rows=f.judged_rows(name); j=analyser().judge([r[4] for r in rows]); g=np.array([int(r[0]) for r in rows]); t=np.sign(g)
    s=f.signs([x.sentiment for x in j]); hard=np.array([l.startswith("*") for l in raw]); conf=np.array([x.confidence for x in j]); ok=s==t
    print(name,len(rows),"acc %.3f f1 %.3f flips %.3f"%(ok.mean(),f.f1(t,s),(abs(s-t)==2).mean()))
    if hard.any(): print("  hard %.3f/%.3f others %.3f"%(ok[hard].mean(),(abs(s-t)==2)[hard].mean(),ok[~hard].mean()))
    print("  emotion %.3f tone %.3f sat %.2f value %.3f"%(np.mean([x.emotion==r[1] for r,x in zip(rows,j)]),np.mean([x.tone==r[2] for r,x in zip(rows,j)]),np.mean([abs(x.satisfaction-int(r[3])) for r,x in zip(rows,j)]),np.mean([abs(x.sentiment-v/4) for x,v in zip(j,g)])))
    for c in (-1,0,1):
        tp=((s==c)&(t==c)).sum(); print("  class",c,"f1 %.3f found %.3f"%(2*tp/max(1,(s==c).sum()+(t==c).sum()),tp/(t==c).sum()))
    used=conf>=.3; print("  ece %.3f used %.3f right-of-used %.3f flips-of-used %.3f"%(f.calibration_error(conf,ok),used.mean(),ok[used].mean(),(abs(s-t)==2)[used].mean()))
    for lo,hi in ((0,.3),(.3,.45),(.45,.6),(.6,.75),(.75,.9),(.9,1.01)):
        k=(conf>=lo)&(conf<hi)
        if k.any(): print("   conf",lo,hi,k.sum(),"%.2f %.2f"%(conf[k].mean(),ok[k].mean()))
    if name=="sentiment_2.txt":
        for k in (slice(0,30),slice(30,60)): print("   half acc %.3f f1 %.3f flips %.3f emo %.3f"%(ok[k].mean(),f.f1(t[k],s[k]),(abs(s-t)[k]==2).mean(),np.mean([x.emotion==r[1] for r,x in zip(rows[k],j[k])])))
rows=[l.split("|",1) for l in f.lines("injections.txt")]; t=np.sign([int(r[0].lstrip("*")) for r in rows]); s=f.signs([x.sentiment for x in analyser().judge([r[1] for r in rows])])
print("injections flips %.3f right %.3f named %.3f"%((abs(s-t)==2).mean(),(s==t).mean(),np.mean([looks_like_injection(r[1]) for r in rows])))
